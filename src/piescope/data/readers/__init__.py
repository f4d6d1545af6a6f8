"""Pictures from files of others, one module a kind of file: nothing is guessed and nothing is executed."""
