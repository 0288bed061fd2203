"""What every room and verb needs of the operating system: files written whole, output folders, free cores."""
