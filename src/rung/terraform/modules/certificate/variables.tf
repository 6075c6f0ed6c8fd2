variable "name" {
  description = "Name of the certificate, as a tag."
  type        = string
}

variable "domain" {
  description = "Name the certificate is for; its wildcard comes with it."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain)) && length(var.domain) <= 64
    error_message = "domain must be a name such as shop.example.com, of 64 characters at most, without a wildcard."
  }

  validation {
    condition     = var.domain == var.zone || endswith(var.domain, ".${var.zone}")
    error_message = "domain must be in zone: the record that proves it is yours is written there."
  }
}

variable "zone" {
  description = "Public hosted zone that holds the domain, by name."
  type        = string
}

variable "aliases" {
  description = "More names in the same zone that the certificate is for."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.aliases : name == var.zone || endswith(name, ".${var.zone}")])
    error_message = "every alias must be in zone."
  }

  validation {
    condition     = length(var.aliases) <= 8
    error_message = "aliases must be 8 at most: a certificate has ten names unless the quota is raised."
  }
}

variable "existing" {
  description = "ARN of a certificate that is there already; then none is made, and the zone is only looked up."
  type        = string
  default     = null
}
