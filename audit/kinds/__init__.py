"""What kind of suspect a row is: mislabelled, ambiguous, atypical, of low quality and so on.

Synthetic rows are made from copies of the data's own rows by known defects, and predicted by the run's own
models. A forest that is fitted to them then predicts the kind of every suspect, with a probability; its error
is measured on them in every run.
"""
