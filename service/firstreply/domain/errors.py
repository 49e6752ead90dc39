"""The error tree: each class says what the caller does next.

``FirstreplyError``
    ``ConfigurationError``  a person has to change a setting; exit code 2
    ``RetryableError``      the same call may succeed later; back off and try again
    ``FatalError``          going on would give wrong figures or none; exit code 1

A message names the thing, the place and the remedy. Bad *input* is never an exception: it is data
(``adapters.codec.Rejected``).
"""


class FirstreplyError(Exception):
    """Root of everything firstreply raises on purpose."""


class ConfigurationError(FirstreplyError):
    """A setting is wrong; nothing was started. Exit code 2."""


class RetryableError(FirstreplyError):
    """A peer did not answer in time; the same call may succeed later."""


class FatalError(FirstreplyError):
    """The service must stop rather than show wrong figures. Exit code 1."""
