"""Is it the same person? A small embedding of people's looks, trained here, for scores of generated pictures."""

from posegan.identity.embedding import IdentityEmbedding as IdentityEmbedding
from posegan.identity.network import SIZE as SIZE
from posegan.identity.network import IdentityNet as IdentityNet
