"""SetFit's head on the vectors of a readout: pip install 'poolwise[export]' setfit

poolwise's engine gives no gradients, so the body stays as it is. To train it too, let SetFit load
a folder that `poolwise export` wrote.
"""

from setfit import SetFitModel
from sklearn.linear_model import LogisticRegression

from poolwise import Embedder

texts = ["How do I top up?", "Top up failed.", "My card was stolen.", "Where is my card?"]
labels = ["top up", "top up", "card", "card"]
model = SetFitModel(
    model_body=Embedder("demo").as_sentence_transformer(), model_head=LogisticRegression()
)
model.model_head.fit(model.encode(texts), labels)
print(*model.predict(["Somebody took my card.", "Add money"]), sep=", ")

# card, top up
