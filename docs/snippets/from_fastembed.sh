# long
python -m venv old-environment
old-environment/bin/pip install --quiet fastembed
poolwise export demo -o my-model --format onnx -r 'mean@-1|l2'
head -200 novels.txt > texts.txt
PATH=old-environment/bin:$PATH python - <<'END'
# --8<-- [start:old]
import numpy as np
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType

TextEmbedding.add_custom_model(
    model="my/model",
    pooling=PoolingType.MEAN,
    normalization=True,
    sources=ModelSource(hf="my/model"),
    dim=384,
    model_file="onnx/model.onnx",
)
old = TextEmbedding("my/model", specific_model_path="my-model")
texts = open("texts.txt", encoding="utf-8").read().splitlines()
np.save("old.npy", list(old.embed(texts)))
# --8<-- [end:old]
END
# --8<-- [start:ask]
poolwise doctor demo --vectors old.npy --texts texts.txt
# --8<-- [end:ask]
