"""Volume inference and metrics; together with the `supervised` upper bound, the only readers of target labels."""
