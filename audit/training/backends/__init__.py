"""Where calls are sent that train, embed and judge: processes on this machine, or a Dask cluster."""
