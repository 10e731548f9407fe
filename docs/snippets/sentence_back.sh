# long
# --8<-- [start:recover]
poolwise ask recover demo --labels banking77.csv --limit 3000 -r cls@-1 -r mean@-1 -o recover
# --8<-- [end:recover]
