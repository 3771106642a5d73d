"""What is counted and measured of the work, for Prometheus (``/metrics``) and CloudWatch (standard output).

Nothing here names a document or a person: labels are codes out of short lists.
"""
