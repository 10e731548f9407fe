# long
# --8<-- [start:sweep]
poolwise sweep demo --labels banking77.csv -o sweep
# --8<-- [end:sweep]
# --8<-- [start:layers]
poolwise ask layers demo --labels banking77.csv --limit 3000 -o layers
# --8<-- [end:layers]
