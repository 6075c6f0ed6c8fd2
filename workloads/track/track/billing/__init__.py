"""Money: plans, subscriptions that follow the payment provider's events, limits."""
