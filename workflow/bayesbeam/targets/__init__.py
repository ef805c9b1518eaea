"""What is sampled: data, components, noise and priors put together as a log-likelihood and a log-prior."""
