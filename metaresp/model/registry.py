"""The models by name, and the forms of some for studies nested in clusters; ``metaresp.model`` fills both."""

from typing import TYPE_CHECKING

from metaresp.registry import Registry

if TYPE_CHECKING:
    from metaresp.model.base import Model
    from metaresp.model.spec import Spec

MODELS: Registry[type["Model"]] = Registry("model")
NESTED: Registry[type["Model"]] = Registry("model")


def model_of(spec: "Spec") -> type["Model"]:
    """Return the model that a specification names, of nested studies where it names their clusters."""
    return (MODELS if spec.cluster is None else NESTED)[spec.model]


def nested_form(spec: "Spec") -> type["Model"] | None:
    """Return the form of a model for studies nested in clusters, or None where it has none."""
    return NESTED.get(spec.model)
