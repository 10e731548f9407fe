# long
# --8<-- [start:frozen]
poolwise ask first demo --labels banking77.csv --limit 3000 -o first
# --8<-- [end:frozen]
