"""Design -> plain Terraform: a short root module for each environment, and the modules that it is composed of.

What is written needs Terraform and the AWS provider, and nothing of rung.
"""

from rung.terraform.library import module_files as module_files
from rung.terraform.root import compile as compile  # noqa: A004 - what it does
from rung.terraform.root import modules_of as modules_of

__all__ = ["compile", "module_files", "modules_of"]
