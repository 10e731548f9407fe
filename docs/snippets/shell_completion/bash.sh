eval "$(_POOLWISE_COMPLETE=bash_source poolwise)"
