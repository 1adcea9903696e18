"""The model answers: predictors that are proved before they serve, and the endpoint that swaps them."""
