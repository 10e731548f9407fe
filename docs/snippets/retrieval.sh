# long
# --8<-- [start:sweep]
poolwise sweep demo --queries banking77-retrieval -o answer
# --8<-- [end:sweep]
# --8<-- [start:proxy]
poolwise sweep demo --labels banking77.csv --queries-from labels --task retrieval --limit 2000 -o proxy
# --8<-- [end:proxy]
# --8<-- [start:hubness]
poolwise ask hubness demo --queries banking77-retrieval
# --8<-- [end:hubness]
