"""What clients see: the GraphQL types, inputs and fields."""
