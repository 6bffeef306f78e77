"""A trained model in a form that can be deployed."""
