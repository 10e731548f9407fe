# long
# --8<-- [start:measure]
poolwise ask length demo --texts novels.txt -o length
# --8<-- [end:measure]
