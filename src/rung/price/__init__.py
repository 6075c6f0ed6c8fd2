"""What a design costs: the dated, sourced price book, usage from traffic, and the bill line by line."""
