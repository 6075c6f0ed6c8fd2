variable "name" {
  description = "Name of the repository."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 256
    error_message = "name must be 2 to 256 lower-case letters and digits, with single . _ / or - between them."
  }
}

variable "key_arn" {
  description = "KMS key that encrypts the images."
  type        = string
}

variable "keep_images" {
  description = "Number of images to keep; older ones expire. Keep more than a rollback may need."
  type        = number
  default     = 30

  validation {
    condition     = var.keep_images >= 5 && var.keep_images <= 1000
    error_message = "keep_images must be 5 to 1000: the image that is running must not expire while newer ones fail."
  }
}

variable "functions" {
  description = "Whether functions of the account run its images: Lambda may then fetch them."
  type        = bool
  default     = false
}
