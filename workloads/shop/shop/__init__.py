"""A shop: catalogue, carts, checkout, fulfilment. Its infrastructure is described in ../workload.py."""
