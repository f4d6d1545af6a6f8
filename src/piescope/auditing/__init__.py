"""Any compressed model against its dense one: predictions, embeddings or models in, answers out."""
