variable "image_tag" {
  description = "Tag of the workload's image, a commit. The pipeline sets it."
  type        = string
}
