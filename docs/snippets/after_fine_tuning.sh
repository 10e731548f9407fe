# long
# --8<-- [start:tuned]
poolwise tune demo --labels banking77.csv --limit 2000 --n 100 --seeds 2 -r mean@-1 -r cls@-1 -o tuned
# --8<-- [end:tuned]
