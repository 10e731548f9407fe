# long
# --8<-- [start:average]
poolwise ask average demo --texts novels.txt -o average
# --8<-- [end:average]
# --8<-- [start:attention]
poolwise ask attention demo --texts novels.txt --limit 400 -o attention
# --8<-- [end:attention]
