# long
# --8<-- [start:look]
head -4 banking77.csv
# --8<-- [end:look]
# --8<-- [start:sweep]
poolwise sweep demo --data banking77.csv --target category -o answer
# --8<-- [end:sweep]
# --8<-- [start:embed]
poolwise embed demo banking77.csv --column text --keep category \
    -r embedding=answer/readout.toml -o vectors.parquet
# --8<-- [end:embed]
