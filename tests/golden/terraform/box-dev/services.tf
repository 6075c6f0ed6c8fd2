# images: the one image that every process runs
module "images" {
  source  = "../modules/registry"
  name    = "shop-dev-images"
  key_arn = module.keys.data_key_arn
}

# box: 2,976 MiB for 9 containers
module "box" {
  source    = "../modules/host"
  name      = "shop-dev-box"
  vpc_id    = module.network.vpc_id
  subnet_id = module.network.public_subnet_ids[0]
  user_data = templatefile("${path.module}/box/user-data.tftpl", {
    images_repository_url = module.images.repository_url
    backups_name          = module.backups.name
    keys_data_key_arn     = module.keys.data_key_arn
    session_key_arn       = module.secrets.arns["session-key"]
    admin_key_arn         = module.secrets.arns["admin-key"]
  })
  key_arn       = module.keys.data_key_arn
  log_key_arn   = module.keys.log_key_arn
  instance_type = "t4g.medium"
}
