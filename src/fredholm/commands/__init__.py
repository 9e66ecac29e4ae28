"""Groups of commands that stand beside the main ones, one a file: they parse, call and print, and `cli` joins them."""
