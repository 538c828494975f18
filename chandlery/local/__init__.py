"""What `chandlery up` needs of one machine: files, processes, and Prefect's server."""
