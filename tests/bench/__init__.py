"""`make bench`: how fast the product is, beside the limit of the machine it runs on."""
