"""What one technique needs beyond components and readers: one file a technique."""
