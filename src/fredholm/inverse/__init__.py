"""From effects to causes: linear systems with learned directions, priors, deblurring, posteriors."""
