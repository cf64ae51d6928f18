"""What finished runs and comparisons left in their folders, gathered for the report page."""
