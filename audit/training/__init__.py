"""Out-of-sample predicted probabilities: folds, cross-validation, models, and where they run."""
