variable "image_tag" {
  description = "Tag of the workload's image, a commit. The pipeline sets it."
  type        = string
}

variable "runbooks_url" {
  description = "Where the folder runbooks/ can be read by whoever is called."
  type        = string
  default     = "https://github.com/example/shop/blob/main/runbooks"
}
