output "deployment" {
  description = "What the pipeline needs to know: where images go, what runs before a deployment, what is deployed."
  value = {
    region         = local.region
    repository_url = module.images.repository_url
    instance       = module.box.instance_id
    address        = module.box.public_ip
  }
}
