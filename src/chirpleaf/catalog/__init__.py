"""Many events: a list of them, a run that can be stopped and resumed, one table and one page."""
