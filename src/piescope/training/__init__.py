"""One training loop, the recipes that drive it, and the stages that contrastive training needs."""
