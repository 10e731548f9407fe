# long
# --8<-- [start:sweep]
poolwise sweep demo --labels banking77.csv -o sweep
# --8<-- [end:sweep]
# --8<-- [start:more]
poolwise sweep demo --labels banking77.csv --limit 2000 -o small        # a first look: 2,000 rows
poolwise sweep demo --labels banking77.csv --limit 2000 --task clustering -o clusters
poolwise sweep demo --labels banking77.csv --limit 2000 --score macro-F1 -o macro
poolwise sweep demo --labels banking77.csv --limit 2000 --grid "{cls,mean}@* mean@-1|whiten(128)" -o few
# --8<-- [end:more]
# --8<-- [start:stable]
poolwise sweep demo --labels banking77.csv --limit 2000 --repeats 100 -o repeated
poolwise sweep demo --labels banking77.csv --limit 2000 --learning-curve -o curve
# --8<-- [end:stable]
# --8<-- [start:use]
head -100 novels.txt > lines.txt
poolwise embed demo lines.txt -r sweep/readout.toml -o vectors.parquet
# --8<-- [end:use]
