"""What the reports of a study and of an audit share: how a page becomes one file; a model of its blocks goes here."""
