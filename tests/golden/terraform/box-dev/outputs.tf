output "deployment" {
  description = "What there is to work with: where images go, what runs, which jobs can be started, where it answers."
  value       = { repository_url = module.images.repository_url, instance = module.box.instance_id, address = module.box.public_ip }
}
