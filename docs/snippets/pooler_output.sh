# long
# --8<-- [start:pooler]
poolwise ask pooler demo --labels banking77.csv -o pooler
# --8<-- [end:pooler]
