"""Where models are trained: processes on this machine, or a Dask cluster."""
