"""What happens around each job, one idea a file."""
