"""Components of forward models, one a file; :mod:`bayesbeam.models.registry` finds them."""
